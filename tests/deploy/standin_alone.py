"""The stand-in as a program, without TensorFlow's Python, without Keras and without this package.

python -m deploy.standin_alone --config=models.config --base=saved_models/horse2zebra
    --rest_port=8501 --grpc_port=8500
"""

from deploy import c_api

if __name__ == "__main__":
    c_api.messages_alone()

    from deploy import standin

    standin.main()
